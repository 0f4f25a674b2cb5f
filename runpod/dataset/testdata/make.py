# Writes the files of this folder with numpy, pandas and pyarrow.
import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

np.random.seed(0)
df = pd.DataFrame({'length': [5.1, 4.9, 6.3, 5.8], 'width': [3.5, 3.0, 3.3, 2.7], 'wild': [True, False, True, True], 'n': np.array([1, 2, 3, 4], dtype=np.uint32), 'species': ['setosa', 'setosa', 'virginica', 'virginica']})
df.to_csv('pandas_index.csv')
df.to_csv('pandas.csv', index=False)
df.to_parquet('pandas.parquet')
df.astype({'species': 'category', 'length': 'float32'}).to_parquet('pandas_category.parquet', compression='zstd')
h = df.copy()
h.loc[2, 'width'] = np.nan
h.to_csv('hole.csv', index=False)
h.to_parquet('hole.parquet', compression='gzip')
pq.write_table(pa.table({'price': pa.array([Decimal('1.25'), Decimal('3.50'), None], pa.decimal128(7, 2)), 'x': [1, 2, 3]}), 'decimal.parquet')
pq.write_table(pa.table({'day': [datetime.date(2020, 1, 2), None], 'at': pa.array([datetime.datetime(2020, 1, 2, 3, 4, 5), None], pa.timestamp('us')), 'x': pa.array([7, 8], pa.int8())}), 'dates.parquet', version='2.6', data_page_version='2.0', compression='lz4')
pq.write_table(pa.table({'v': [[1.0, 2.0], [3.0]], 'x': [1, 2]}), 'lists.parquet')
pq.write_table(pa.table({'x': pa.array(range(5000), pa.int64())}), 'groups.parquet', row_group_size=1000, compression='brotli')
a = np.arange(6, dtype=np.float64).reshape(2, 3)
np.save('f8.npy', a)
np.save('f4_fortran.npy', np.asfortranarray(a.astype('f4')))
np.save('f2.npy', a.astype('f2'))
np.save('i4_big.npy', a.astype('>i4'))
np.save('u2.npy', a.astype('u2'))
np.save('u8.npy', a.astype('u8'))
np.save('i8.npy', np.array([0, 1, 2]))
np.save('bool.npy', a > 2)
np.save('texts.npy', np.array(['setosa', 'virgínica']))
np.save('bytes.npy', np.array([b'a', b'bcd']))
np.save('pictures_fortran.npy', np.asfortranarray(np.arange(24, dtype='i2').reshape(2, 3, 4)))
np.save('complex.npy', a.astype('c16'))
np.save('object.npy', np.array([1, 'a', None], dtype=object), allow_pickle=True)
np.save('scalar.npy', np.float64(3))
np.save('empty.npy', np.zeros((0, 3)))
np.save('records.npy', np.array([(1, 2.0)], dtype=[('a', 'i4'), ('b', 'f8')]))
with open('version3.npy', 'wb') as f:
    np.lib.format.write_array(f, a, version=(3, 0))
np.savez('train.npz', X=a, y=np.array([0, 1]))
np.savez_compressed('packed.npz', X=np.zeros((3, 2), dtype='f4'), y=np.array(['a', 'b', 'a']))
