/** serial: the first serial port, as text. screen: the picture, keyboard and mouse, as RFB (RFC 6143). */
export const consoleKinds = ['serial', 'screen'] as const;
export type ConsoleKind = (typeof consoleKinds)[number];
