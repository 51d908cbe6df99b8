"""What happens in a run, as typed events, and the account that is made from them."""
