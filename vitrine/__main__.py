"""`python -m vitrine` is the console command."""

from vitrine.cli import main

if __name__ == "__main__":
    main()
