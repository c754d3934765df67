import sys
from pathlib import Path

import pytest

from retrieverkit import Index
from retrieverkit_testkit.models import ScriptedModel

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def new_index(tmp_path):
    """Make or open an index with a model that sums up; its embedding counts words, so that marks lead the way."""
    from marked_documents import sum_up

    made = []

    def make(documents=(), answer=sum_up, name="index", **options):
        model = ScriptedModel(answer)
        folder = tmp_path / name
        new = Index.open if folder.exists() else Index.create
        index = new(folder, llm=model, embedding="hash", **options)
        made.append(index)
        if documents:
            index.add(documents)
        return index, model

    yield make
    for index in made:
        index.close()
