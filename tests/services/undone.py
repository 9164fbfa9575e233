"""What the tests of undos share: records, taking a run back, and the CRM's state to compare."""

from __future__ import annotations

from typing import Any

from hub_core.engine.store.runs import Run
from hub_core.model.plan import RunState
from hub_core.model.records import AssociationType
from hub_core.services import undoing
from tests.scene import COMPANY, CONTACT, Scene

ADA = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "companyName": "Analytical Engines",
    "professionalEmail": "ada@engines.example",
    "jobTitle": "Programmer",
}
KNOWN_ADA = {"firstname": "Ada", "lastname": "Lovelace", "company": "Analytical Engines"}
BOB = {"firstName": "Bob", "lastName": "Babbage", "companyName": "Difference", "jobTitle": "Baker"}
KNOWN_BOB = {"firstname": "Bob", "lastname": "Babbage", "company": "Difference", "jobtitle": "Owner", "city": "Bonn"}
TYPES = list(AssociationType)
#: What the vendor derives from the time of a write.
_TIMES = {"lastmodifieddate", "hs_lastmodifieddate", "notes_last_updated"}


async def dump(crm: Scene) -> dict[str, Any]:
    """Everything in the CRM, without the times at which it was written."""
    return {
        f"{kind.value} {crm_id}": {name: value for name, value in record.items() if name not in _TIMES}
        for kind in (CONTACT, COMPANY)
        for crm_id, record in (await crm.crm(kind)).items()
    }


async def undo(crm: Scene, run: Run, **how: Any) -> Run:
    planned = await crm.work(await undoing.start_undo(crm.hub, run.id, **how))
    assert planned.state is RunState.PLANNED, planned.message
    return await crm.apply(planned)


async def outcomes(crm: Scene, run: Run) -> dict[int, str]:
    return {record_id: item.outcome for record_id, item in (await crm.items(run)).items()}
