"""The paper's claims and what our results say of them."""
