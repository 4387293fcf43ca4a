"""The concepts of one state, read: found, listed, counted, checked, with the sentences behind them."""
