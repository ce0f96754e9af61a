"""The HTTP API of leads and routing; addresses are listed in `config.api_urls`."""
