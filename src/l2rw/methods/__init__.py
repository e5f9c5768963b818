"""The methods compared. A new one is one file and one record here, or in a package of your own."""

from l2rw.methods.loss_settings import (
    ClassBalancedSettings,
    FocalSettings,
    LDAMSettings,
    SCESettings,
)
from l2rw.methods.record import MethodRecord
from l2rw.methods.settings import (
    ELRSettings,
    GCESettings,
    MetaWeightNetSettings,
    MixupSettings,
)
from l2rw.methods.weight_settings import (
    ActiveBiasSettings,
    AdaBoostSettings,
    MentorNetPDSettings,
    SelfPacedSettings,
    SMOTESettings,
)
from l2rw.store.records import Records

__all__ = ["METHODS", "MethodRecord"]

METHODS = Records(
    MethodRecord,
    [
        MethodRecord(
            name="baseline",
            label="Baseline",
            implementation="l2rw.methods.baseline:Baseline",
            source="section 4",
        ),
        MethodRecord(
            name="proportion",
            label="Proportion",
            implementation="l2rw.methods.proportion:Proportion",
            source="section 4.1",
        ),
        MethodRecord(
            name="resample",
            label="Resample",
            implementation="l2rw.methods.resample:Resample",
            source="section 4.1",
        ),
        MethodRecord(
            name="hard_mining",
            label="Hard mining",
            implementation="l2rw.methods.hard_mining:HardMining",
            source="section 4.1",
            for_two_classes=True,
            extra_passes=5,  # those of its candidates
        ),
        MethodRecord(
            name="random",
            label="Random",
            implementation="l2rw.methods.random_weights:Random",
            source="section 4",
        ),
        MethodRecord(
            name="weighted",
            label="Weighted",
            implementation="l2rw.methods.weighted:Weighted",
            source="section 4.2",
            told="true labels",
        ),
        MethodRecord(
            name="reed_soft",
            label="Reed Soft",
            implementation="l2rw.methods.reed:ReedSoft",
            source="Reed et al. 2015",
        ),
        MethodRecord(
            name="reed_hard",
            label="Reed Hard",
            implementation="l2rw.methods.reed:ReedHard",
            source="Reed et al. 2015",
        ),
        MethodRecord(
            name="s_model",
            label="S-Model",
            implementation="l2rw.methods.s_model:SModel",
            source="Goldberger and Ben-Reuven 2017",
            told="noise rate",
        ),
        MethodRecord(
            name="s_model_conf",
            label="S-Model +Conf",
            implementation="l2rw.methods.s_model:SModelConf",
            source="Goldberger and Ben-Reuven 2017",
            after="baseline",
            needs_validation=True,
        ),
        MethodRecord(
            name="clean_only",
            label="Clean Only",
            implementation="l2rw.methods.baseline:CleanOnly",
            source="section 4.2",
            trained_on_clean_set=True,
        ),
        MethodRecord(
            name="l2rw",
            label="L2RW",
            implementation="l2rw.methods.l2rw:L2RW",
            source="Algorithm 1",
            guided_by_clean_set=True,
        ),
        MethodRecord(
            name="gce",
            label="GCE",
            implementation="l2rw.methods.gce:GCE",
            source="Zhang and Sabuncu 2018",
            settings=GCESettings,
        ),
        MethodRecord(
            name="elr",
            label="ELR",
            implementation="l2rw.methods.elr:ELR",
            source="Liu et al. 2020",
            settings=ELRSettings,
        ),
        MethodRecord(
            name="mixup",
            label="mixup",
            implementation="l2rw.methods.mixup:Mixup",
            source="Zhang et al. 2018",
            settings=MixupSettings,
        ),
        MethodRecord(
            name="meta_weight_net",
            label="Meta-Weight-Net",
            implementation="l2rw.methods.meta_weight_net:MetaWeightNet",
            source="Shu et al. 2019",
            guided_by_clean_set=True,
            settings=MetaWeightNetSettings,
        ),
        MethodRecord(
            name="sce",
            label="SCE",
            implementation="l2rw.methods.sce:SCE",
            source="Wang et al. 2019",
            settings=SCESettings,
        ),
        MethodRecord(
            name="focal",
            label="Focal loss",
            implementation="l2rw.methods.focal:Focal",
            source="Lin et al. 2017",
            settings=FocalSettings,
        ),
        MethodRecord(
            name="class_balanced",
            label="Class-balanced",
            implementation="l2rw.methods.class_balanced:ClassBalanced",
            source="Cui et al. 2019",
            settings=ClassBalancedSettings,
        ),
        MethodRecord(
            name="ldam_drw",
            label="LDAM-DRW",
            implementation="l2rw.methods.ldam_drw:LDAMDRW",
            source="Cao et al. 2019",
            settings=LDAMSettings,
        ),
        MethodRecord(
            name="self_paced",
            label="Self-paced",
            implementation="l2rw.methods.self_paced:SelfPaced",
            source="Kumar et al. 2010",
            settings=SelfPacedSettings,
        ),
        MethodRecord(
            name="mentornet_pd",
            label="MentorNet PD",
            implementation="l2rw.methods.mentornet_pd:MentorNetPD",
            source="Jiang et al. 2018",
            settings=MentorNetPDSettings,
        ),
        MethodRecord(
            name="active_bias",
            label="Active bias",
            implementation="l2rw.methods.active_bias:ActiveBias",
            source="Chang et al. 2017",
            settings=ActiveBiasSettings,
        ),
        MethodRecord(
            name="smote",
            label="SMOTE",
            implementation="l2rw.methods.smote:SMOTE",
            source="Chawla et al. 2002",
            settings=SMOTESettings,
        ),
        MethodRecord(
            name="adaboost",
            label="AdaBoost",
            implementation="l2rw.methods.adaboost:AdaBoost",
            source="Freund and Schapire 1997, Zhu et al. 2009",
            one_network=False,
            settings=AdaBoostSettings,
        ),
        MethodRecord(
            name="forward",
            label="Forward",
            implementation="l2rw.methods.forward_correction:ForwardCorrection",
            source="Patrini et al. 2017",
            after="baseline",
            needs_validation=True,
        ),
        MethodRecord(
            name="glc",
            label="GLC",
            implementation="l2rw.methods.glc:GLC",
            source="Hendrycks et al. 2018",
            after="baseline",
            trained_beside_clean_set=True,
        ),
    ],
)
