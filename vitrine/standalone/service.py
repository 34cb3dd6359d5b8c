"""placeholder"""


class Standalone: ...
