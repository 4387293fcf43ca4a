"""One identity: whatever names an image, a study or a patient passes its name through here."""
