"""What all rooms share: files, checksums, identities, seeds, provenance, errors."""
