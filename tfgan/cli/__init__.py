"""What the commands are asked with: flags, their parser, and exit statuses."""
