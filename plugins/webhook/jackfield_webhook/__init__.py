"""Jackfield plugin: webhooks of any sender, signed or not, and Tilda's forms; notices as a webhook."""
