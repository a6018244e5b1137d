"""People walk through series: who moves on, what the steps do, who leaves."""
