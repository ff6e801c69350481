"""Writes a network's tensors as GGUF."""
import gguf
import numpy


def write_gguf(path, architecture, tensors):
    """`tensors`: names and arrays, outermost dimension first."""
    writer = gguf.GGUFWriter(path, architecture)
    print("\nModel tensors saved to", path)
    for name, tensor in tensors.items():
        tensor = numpy.ascontiguousarray(tensor, numpy.float32)
        print(f"  {name:14} {str(tensor.shape):16} {tensor.dtype}")
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
