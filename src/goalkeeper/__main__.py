"""Run the command line with `python -m goalkeeper`."""

from goalkeeper.cli import main

if __name__ == "__main__":
    main()
