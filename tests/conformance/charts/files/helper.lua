helper_value = 40 + 2
