"""Pages for people: their templates, static files and routes; nothing is fetched from elsewhere."""
