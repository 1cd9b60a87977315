"""What several sources share. What one source alone knows lies in its own folder."""
