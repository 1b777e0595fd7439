#!/usr/bin/python3
"""Opens results.h5 and summary.csv as people will: with h5py, xarray and csv, without our code.

    open_results.py WRITE_RESULTS

WRITE_RESULTS is the program of tests/support/write_results.c. What it writes is described in
tests/support/results_fixture.h. Exit code 77: a reader is not installed.
"""
import csv
import math
import os
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
    import xarray
    import h5netcdf  # noqa: F401  (the engine that xarray uses)
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

KEYS = ['Korea, "Rep."', "Côte d'Ivoire", "M\\xfcller"]
FLAGS = "empty ok ok_jitter excluded not_spd nan_in nan_out kernel_error"
EMPTY, OK, OK_JITTER, EXCLUDED, NOT_SPD, NAN_IN, NAN_OUT, KERNEL_ERROR = range(8)


class Xarray(unittest.TestCase):
    def setUp(self):
        self.ds = xarray.open_dataset(path("results.h5"), engine="h5netcdf")

    def tearDown(self):
        self.ds.close()

    def test_outputs_have_named_dimensions_in_declaration_order(self):
        self.assertEqual(self.ds.lml.dims, ("dataset", "lengthscale", "noise"))
        self.assertEqual(self.ds.weights.dims, ("dataset", "lengthscale", "noise", "weights_index"))
        self.assertEqual(self.ds.status.dims, self.ds.lml.dims)

    def test_axes_are_coordinates_with_their_values(self):
        self.assertEqual(list(self.ds.lengthscale.values), [1.0, 2.0])
        self.assertEqual(list(self.ds.noise.values), [0.1 * 1, 0.1 * 2, 0.1 * 3])
        self.assertIn("lengthscale", self.ds.coords)
        self.assertEqual(list(self.ds.weights_index.values), [0, 1])

    def test_keys_come_back_with_commas_quotes_and_umlauts(self):
        self.assertEqual(list(self.ds.dataset.values), KEYS)

    def test_a_key_that_is_not_utf8_is_noted(self):
        self.assertIn("1 of these", self.ds.dataset.attrs["comment"])

    def test_a_cell_is_found_by_its_key(self):
        cell = self.ds.sel(dataset="Côte d'Ivoire", lengthscale=2.0, noise=0.1)
        self.assertEqual(float(cell.lml), 10.0 - 3)
        self.assertEqual(list(cell.weights.values), [90.0, 91.0])
        self.assertEqual(int(cell.status), OK)

    def test_status_says_what_became_of_each_cell(self):
        status = self.ds.status.values
        self.assertEqual(list(status[0].ravel()), [NOT_SPD, OK_JITTER, OK, OK, OK, EXCLUDED])
        self.assertEqual(list(status[2].ravel()), [KERNEL_ERROR] * 5 + [EXCLUDED])
        self.assertEqual(self.ds.status.dtype, np.uint8)
        self.assertEqual(self.ds.status.attrs["flag_meanings"], FLAGS)
        self.assertEqual(list(self.ds.status.attrs["flag_values"]), list(range(8)))

    def test_outputs_are_nan_where_there_is_no_result(self):
        has_result = self.ds.status.isin([OK, OK_JITTER])
        self.assertTrue((np.isnan(self.ds.lml) == ~has_result).all())
        self.assertTrue((np.isnan(self.ds.weights) == ~has_result).all())

    def test_the_minor_is_known_where_a_cell_was_not_spd(self):
        minor = self.ds.minor.values
        self.assertEqual(minor[0, 0, 0], 2)
        self.assertEqual(minor.sum(), 2)

    def test_the_step_of_the_jitter_ladder_is_known(self):
        self.assertEqual(self.ds.jitter.values.sum(), 1)
        self.assertEqual(int(self.ds.jitter[0, 0, 1]), 1)
        self.assertEqual(list(self.ds.jitter.attrs["ladder"]), [1e-10, 1e-8])

    def test_the_best_point_is_known_by_its_parameters(self):
        self.assertEqual(list(self.ds.best.values[:2]), [-1.0, 10.0])
        self.assertTrue(math.isnan(self.ds.best.values[2]))
        self.assertEqual(list(self.ds.best_point.values), [1, 0, -1])
        self.assertEqual(list(self.ds.best_lengthscale.values[:2]), [1.0, 1.0])
        self.assertEqual(list(self.ds.best_noise.values[:2]), [0.2, 0.1])
        self.assertTrue(math.isnan(self.ds.best_noise.values[2]))
        self.assertEqual(list(self.ds.best_skipped.values), [1, 0, 5])

    def test_xarray_itself_finds_the_same_best_point(self):
        ds = self.ds.isel(dataset=[0, 1]).stack(point=("lengthscale", "noise"))
        self.assertEqual(list(ds.lml.argmax("point").values), list(ds.best_point.values))

    def test_top_ranks_the_points(self):
        self.assertEqual(self.ds.top_value.dims, ("dataset", "rank"))
        self.assertEqual(list(self.ds["rank"].values), [1, 2])
        self.assertEqual(self.ds.top_point.values.tolist(), [[1, 2], [0, 1], [-1, -1]])

    def test_rows_and_scaling_are_recorded(self):
        self.assertEqual(list(self.ds.rows.values), [10, 11, 12])
        self.assertEqual(list(self.ds.dropped.values), [0, 1, 2])
        self.assertEqual(list(self.ds.y_scale.values), [1 / 3] * 3)
        self.assertEqual(self.ds.x_mean.sel(dataset=KEYS[0], feature="größe").item(), 1.5)

    def test_outputs_carry_help_and_units(self):
        self.assertEqual(self.ds.lml.attrs["long_name"], "log marginal likelihood")
        self.assertEqual(self.ds.lml.attrs["units"], "1")
        self.assertEqual(self.ds.weights.attrs["units"], "m")
        self.assertEqual(self.ds.attrs["Conventions"], "CF-1.8")

    def test_it_becomes_a_table(self):
        table = self.ds[["lml", "status"]].to_dataframe()
        self.assertEqual(len(table), 18)


class H5py(unittest.TestCase):
    def setUp(self):
        self.file = h5py.File(path("results.h5"), "r")

    def tearDown(self):
        self.file.close()

    def test_dimensions_have_labels_and_scales(self):
        for name in ("lml", "status", "minor"):
            dims = self.file[name].dims
            self.assertEqual([d.label for d in dims], ["dataset", "lengthscale", "noise"])
            self.assertEqual([d.keys() for d in dims], [["dataset"], ["lengthscale"], ["noise"]])

    def test_every_array_of_the_root_has_a_scale_on_each_dimension(self):
        for name, array in self.file.items():
            if isinstance(array, h5py.Dataset) and not h5py.h5ds.is_scale(array.id):
                for dim in array.dims:
                    self.assertEqual(len(dim), 1, name)

    def test_the_run_is_described(self):
        run = self.file["run"]
        self.assertEqual(run["job"][()].decode(), "name: fixture # ü\n")
        self.assertEqual(run.attrs["kind"], "cpu")
        self.assertEqual(run.attrs["seconds"], 1.5)
        self.assertEqual(run["skipped_key"].asstr()[0], "Nowhere")
        self.assertEqual(run["skipped_reason"].asstr()[0], "no value in any of 54 rows")
        self.assertEqual(run["fault"].asstr()[0], "the dataset has no y")
        self.assertEqual(list(run["summary_text"].asstr()),
                         ["argmax(lml)", "argmin(lml)", "quantile(lml, 0.5)", "mean(lml)"])


class Csv(unittest.TestCase):
    def rows(self):
        with open(path("summary.csv"), newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_there_is_one_row_per_dataset(self):
        self.assertEqual([row["dataset"] for row in self.rows()], KEYS)

    def test_columns_are_named_as_in_the_other_file(self):
        self.assertEqual(list(self.rows()[0]), [
            "dataset", "rows", "dropped",
            "best", "best_lengthscale", "best_noise", "best_skipped",
            "worst", "worst_lengthscale", "worst_noise", "worst_skipped",
            "middle", "middle_skipped", "average", "average_skipped", "n_ok", "n_failed"])

    def test_numbers_read_back_exactly(self):
        row = self.rows()[1]
        self.assertEqual(float(row["best"]), 10.0)
        self.assertEqual(float(row["worst_noise"]), 0.1 * 2)
        self.assertEqual((row["n_ok"], row["n_failed"], row["dropped"]), ("5", "0", "1"))

    def test_what_is_not_there_is_empty(self):
        row = self.rows()[2]
        self.assertEqual((row["best"], row["best_noise"], row["middle"]), ("", "", ""))
        self.assertEqual((row["n_ok"], row["n_failed"]), ("0", "5"))


def path(name):
    return os.path.join(FOLDER, name)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as FOLDER:
        subprocess.run([sys.argv.pop(1), FOLDER], check=True)
        unittest.main(verbosity=2)
