"""What a large study takes before it is begun: hours, storage and money, from rates that were measured."""
