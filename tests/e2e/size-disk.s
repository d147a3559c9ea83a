# Boot sector: says the size of its disk in sectors, as its firmware found it at this boot.
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
    movw $0x1e, 0x8000
    movb $0x48, %ah
    movw $0x8000, %si
    int $0x13
    movb $'S', %al
    call put
    movw $8, %cx
next:
    roll $4, 0x8010
    movb 0x8010, %al
    andb $0x0f, %al
    addb $'0', %al
    cmpb $'9', %al
    jbe 1f
    addb $7, %al
1:  call put
    loop next
    movb $'\n', %al
    call put
idle:
    hlt
    jmp idle
put:
    movb %al, %bl
    movw $0x3fd, %dx
2:  inb %dx, %al
    testb $0x20, %al
    jz 2b
    movb %bl, %al
    movw $0x3f8, %dx
    outb %al, %dx
    ret
    .org 510
    .word 0xaa55
