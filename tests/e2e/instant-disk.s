# Boot sector: each byte on COM1 adds one to a counter in memory, tells it and the one on disk, then writes it there.
    .code16
    .globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp
    sti
    movb %dl, 0x600
    movb $0, 0x602
    movb $'R', %al
    call put
    movb $'\n', %al
    call put
loop:
    hlt
    movw $0x3fd, %dx
    inb %dx, %al
    testb $1, %al
    jz loop
    movw $0x3f8, %dx
    inb %dx, %al
    incb 0x602
    movb $0x42, %ah
    call disk
    movb $'M', %al
    call put
    movb 0x602, %al
    addb $'0', %al
    call put
    movb $'D', %al
    call put
    movb 0x8000, %al
    addb $'0', %al
    call put
    movb 0x602, %al
    movb %al, 0x8000
    movw $0x4300, %ax
    call disk
    movb $'\n', %al
    call put
    jmp loop
disk:
    movw $packet, %si
    movb 0x600, %dl
    int $0x13
    ret
put:
    movb %al, %bl
    movw $0x3fd, %dx
1:  inb %dx, %al
    testb $0x20, %al
    jz 1b
    movb %bl, %al
    movw $0x3f8, %dx
    outb %al, %dx
    ret
packet:
    .byte 0x10, 0
    .word 1, 0x8000, 0
    .quad 1
    .org 510
    .word 0xaa55
