/* bad_name.c - a plug-in that must be refused: its name is taken by mote itself
 * SPDX-License-Identifier: Apache-2.0 */
#define IDLE_NAME "cpu"
#define IDLE_PROBE MOTE_OK
#include "idle.h"
