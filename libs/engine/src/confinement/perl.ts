/** Of Debian's perl-base: guards run by it, and what this machine lets a vmm do is tried by it. */
export const perlPath = '/usr/bin/perl';
