"""What the contract tests need around the client: server processes, and patience."""
