"""How long tests wait for a Jupyter kernel: until it hangs, however busy the machine is."""

HANGS = 600  # seconds
#: Options of nbclient's NotebookClient. By default it gives up on a kernel that takes a minute to
#: start, and on outputs that are four seconds late.
PATIENCE = {"timeout": HANGS, "startup_timeout": HANGS, "iopub_timeout": HANGS}
