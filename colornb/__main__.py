"""`python -m colornb` is the command `colornb`."""

from colornb.cli import main

if __name__ == "__main__":
    main()
