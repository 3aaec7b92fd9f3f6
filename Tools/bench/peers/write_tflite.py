"""Writes a work's model as TensorFlow Lite has it, in float32, for the work's batch: write_tflite.py FOLDER WORK PATH"""

import json
import sys

import peer_keras
import tensorflow as tf
import worker

folder, name, path = sys.argv[1:]
with open(f"{folder}/works.json") as file:
    work = worker.Work(folder, name, json.load(file)[name])
model = peer_keras.network(work, drops_last_activation=False, batch=work.batch)
with open(path, "wb") as file:
    file.write(tf.lite.TFLiteConverter.from_keras_model(model).convert())
