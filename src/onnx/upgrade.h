/* upgrade.h - operators of operator sets 1 to 6 as set 8 says the same
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_ONNX_UPGRADE_H
#define MOTE_ONNX_UPGRADE_H

#include "graph/graph.h"

enum { MOTE_ONNX_UPGRADED = 8 };

/* For a module that was just read, and imports ai.onnx below 7. MOTE_E_UNSUPPORTED, MOTE_E_MODEL name node and attribute. */
mote_status mote_onnx_upgrade(mote_module *m, mote_diag *diag);

#endif
