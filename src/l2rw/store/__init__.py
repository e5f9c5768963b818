"""What all packages share: files, checksums, identities, seeds, provenance, errors."""
