"""What keeps a knowledge base from being lost or silently wrong: notes of files, damage found, repair, backups."""
