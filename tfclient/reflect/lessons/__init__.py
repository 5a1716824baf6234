"""What sessions teach about their tools: lessons, kept where people read and edit them, and given out in short."""
