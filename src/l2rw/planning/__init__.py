"""From a configuration to jobs, files and hours."""
