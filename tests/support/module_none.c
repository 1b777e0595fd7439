/* tests/support/module_none.c -- a library that has nothing of a module. */
int module_none(void);

int module_none(void)
{
    return 0;
}
