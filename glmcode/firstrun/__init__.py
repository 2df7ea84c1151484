"""What a first start may lack, and doing it: endpoint and key, the user's configuration."""
