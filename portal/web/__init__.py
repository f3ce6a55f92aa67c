"""What every door shares: rendering, formats, headers, languages, error pages."""
