"""Requests that somebody comes back for: handed in, carried out by whichever API process is free, kept for a while."""

from vitrine.tickets.base import Claim, Counts, NewTicket, Ticket, Tickets, TicketState

__all__ = ["Claim", "Counts", "NewTicket", "Ticket", "TicketState", "Tickets"]
