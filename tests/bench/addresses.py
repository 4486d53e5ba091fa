"""The 2,000 loopback addresses that the bench probes, and the services they belong to."""

COUNT = 2000
REGIONS = ("global", "US West", "EU West", "Asia")
ENTRIES = 5  # in each region
OF_SERVICE = len(REGIONS) * ENTRIES


def address(number: int) -> str:
    """127.0.1.1 to 127.0.8.250, and again."""
    number %= COUNT
    return f"127.0.{number // 250 + 1}.{number % 250 + 1}"


def addresses() -> list[str]:
    return [address(number) for number in range(COUNT)]
