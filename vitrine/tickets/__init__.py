"""Asynchronous requests: submitted, run by any free API process, and kept until the client fetches the result."""

from vitrine.tickets.base import Claim, NewTicket, Ticket, TicketCounts, TicketState, TicketStore

__all__ = ["Claim", "NewTicket", "Ticket", "TicketCounts", "TicketState", "TicketStore"]
