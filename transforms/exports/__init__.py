"""What an output is handed over in, beside its shards: formats that other tools read."""
