"""The command line: flags, their parser, and exit statuses."""
