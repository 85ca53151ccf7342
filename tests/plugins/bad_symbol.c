/* bad_symbol.c - a plug-in that must be refused: it exports no mote_provider_get
 * SPDX-License-Identifier: Apache-2.0 */
#include <mote/mote_provider.h>

MOTE_API int mote_provider_got(void);
int mote_provider_got(void) { return 1; }
