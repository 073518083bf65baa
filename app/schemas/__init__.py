"""JSON in and out: requests become panels and questions, answers become responses."""
