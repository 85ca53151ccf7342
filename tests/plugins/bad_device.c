/* bad_device.c - a plug-in that must be refused: there is no device
 * SPDX-License-Identifier: Apache-2.0 */
#define IDLE_NAME "absent"
#define IDLE_PROBE MOTE_E_PROVIDER
#include "idle.h"
