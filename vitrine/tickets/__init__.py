"""Requests that somebody comes back for: handed in, carried out by whichever API process is free, kept for a while."""

from vitrine.tickets.base import Claim, NewTicket, Ticket, TicketCounts, TicketState, TicketStore

__all__ = ["Claim", "NewTicket", "Ticket", "TicketCounts", "TicketState", "TicketStore"]
