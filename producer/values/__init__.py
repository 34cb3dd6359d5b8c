"""The values of payload fields: how a column's texts become numbers, money, dates and clean texts, decided by its first rows."""
