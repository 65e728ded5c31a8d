"""Networks that exist: shipped models, runs, and what starts from them."""
