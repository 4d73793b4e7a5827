"""What an agent asks doctor over the Model Context Protocol: `doctor mcp`. Its modules need the extra `[mcp]`."""
