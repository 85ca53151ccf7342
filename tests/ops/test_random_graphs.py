# test_random_graphs.py - the short run of random_graphs.py; `random_graphs.py --count 10000` is the long one
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "random_graphs.py")
sys.exit(subprocess.run([sys.executable, script, "--count", os.environ.get("MOTE_RANDOM_GRAPHS", "600"), "--seed", "1"]).returncode)
