/* bad_twin.c - a plug-in that must be refused: another plug-in has its name
 * SPDX-License-Identifier: Apache-2.0 */
#define IDLE_NAME "puppet"
#define IDLE_PROBE MOTE_OK
#include "idle.h"
