"""Alipay's wire."""
