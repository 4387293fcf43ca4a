"""Reports, images, labels and predictions into the knowledge base; the mining of reports."""
